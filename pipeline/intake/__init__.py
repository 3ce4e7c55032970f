"""What is in the input folder, and which of it is complete. Refuses torch and pixels."""
