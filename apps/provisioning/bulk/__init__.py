"""CSV files of users, aliases and domains: reading, looking at each line, and writing.

`text` makes characters of octets, `table` lines of them, `columns` knows what the first line may
call a column, `sheets` puts these together. `users`, `aliases` and `domains` say of each line
whether it could be added, by a few statements for some hundred lines. `writing` is the way back.
Nothing here changes a row, and what is said of a line is said of that moment: the doors of
`administration` decide when it is added.
"""
