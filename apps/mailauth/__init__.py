"""Who a message is from: signatures made and checked, senders found out, reverse-paths rewritten.

What is made:
- `dkim`: DKIM-Signature fields. `arc`: the next set of a chain. `srs`: reverse-paths of forwards.

What is found out about mail that comes in, each on its own, from a `Resolver` that is given:
- `iprev`, `spf`: the address it came from. `verify`: its DKIM signatures. `chain`: its ARC chain.
- `dmarc`: what its author's domain makes of these; `suffixes`: which domains belong together.
- `inquiry`: all of it for one message, within one deadline. `types`: the words for it.
- `results`: the fields that tell it. `reading`: such fields as others write them. `forged`: those
  that pretend to be ours. `aggregate`: the reports of a day.

What both stand on:
- `message`: a message as signers see it. `canonical`: its forms that survive transport; `bodies`:
  their hashes, each made once.
- `tags`: the lists `a=b; c=d`. `keys`: private keys, public ones and their DNS records. `keyring`:
  the public keys of a message, asked for at once.
- `signature`: one signature's tags, and whether it holds (DKIM and ARC alike).

Pure of Django; nothing is written, and no name is looked up but through the resolver.
"""
