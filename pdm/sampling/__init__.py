"""From noise to pictures: solvers, the student's few steps, explanations and walks."""
