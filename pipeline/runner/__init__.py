"""One pass: scan, pair, claim, execute, publish, record, report. Does not decide when it runs."""
