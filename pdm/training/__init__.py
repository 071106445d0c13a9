"""Training: the loop that resumes, what learns beside the denoiser, and the student tuned afterwards."""
