"""The straight line of a call: who calls, may it, the trail, the human, Fly."""
