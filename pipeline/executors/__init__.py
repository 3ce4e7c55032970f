"""Who works on jobs, and where. Refuses to decide what there is to do."""
