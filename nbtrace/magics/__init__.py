"""%%span, %span, %spans and %nbtrace: what they do, how their lines are read, what completion offers."""
