"""What a recording answers: one method a question, and the register of them all."""
