"""The rules of money: which postings a command makes, and when it is refused."""
