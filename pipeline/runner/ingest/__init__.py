"""From files in the input folder to pending jobs in the ledger."""
