"""What each agent may do: the policy file, the decision, and the guard before every request."""
