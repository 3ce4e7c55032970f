"""One pass: scan, pair, claim, execute, publish, record, report. Refuses to know when."""
