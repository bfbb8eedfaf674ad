"""Cards as other programs write and read them: vCard 2.1, 3.0 and 4.0. Pure, but for words."""
