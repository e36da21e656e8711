"""The inspector: the widget, the thread that keeps it up to date, and what they tell the browser, which protocol.md
describes."""
