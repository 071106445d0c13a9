"""The Generate tab: pictures, what made each of them, and the settings they are made with."""
