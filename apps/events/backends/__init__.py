"""How events travel: unix datagrams inside one machine, or Redis between several."""
