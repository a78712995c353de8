"""What drills and benches share: a city on real processes, and callers that press in a rush."""
