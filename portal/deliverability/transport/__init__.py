"""How mail to the domain travels: none of it holds up sending, all of it is trust."""
