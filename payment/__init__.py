"""Payment: the ledger, wallets, deposits, payouts and their documents."""
