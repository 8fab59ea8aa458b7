"""What a run is: where its results lie, what they were made from, how a stage begins and ends."""
