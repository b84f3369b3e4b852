"""The connector against the simulator, over real HTTP."""
