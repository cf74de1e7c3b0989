"""The parts of ./dev, the developer's command. Python standard library only."""
