"""The stages of the chain: pure steps from a batch to what it becomes. One file each; the runner has the wires."""
