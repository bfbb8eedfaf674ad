"""What is attached to a message: what it really is, what is inside, whether it may pass.

kinds, names     what a file is by its content, and what its name claims
budget, member   limits of all that is opened, and what openers hand over
openers/         one module for each form of container: zip, tar, 7z, disk images, mail …
packing, library what unpacks streams, and libarchive for what else there is
starts           where an archive begins that has something before it
walker           opens what holds files, level after level, and notes facts
signatures/      our own yara rules
cage, walls      all that is done in a process that may die without harm, and reaches nothing
policy, wording  what a domain wants done with what was found, and how that is said
check            the check that the runner asks
"""

from apps.scan.attachments.heavy import is_heavy

__all__ = ["is_heavy"]
