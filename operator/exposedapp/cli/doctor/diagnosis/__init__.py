"""From the evidence to a report: what was checked, what is wrong, what to do. Pure."""
