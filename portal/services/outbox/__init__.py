"""The outbox: every change of a recipient's state, one small transaction each.

A recipient is in one of eight states. The functions of this package are the only
writers of them; each runs inside one transaction of the writing thread
(`writer.submit`), locks the rows it compares, guards its UPDATEs with what it
believes, counts the rows, and writes its audit row in the same transaction.

Locks, always in this order: message rows by id, the tenant's route, the head of
the tenant's audit chain. SQLite has one lock, `BEGIN IMMEDIATE`.
"""
