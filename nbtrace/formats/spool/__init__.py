"""How processes of one machine send home what they record: a file each, in a private directory."""
