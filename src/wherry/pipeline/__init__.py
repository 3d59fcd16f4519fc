"""From a request to written packages: request → supply → memory → write → report."""
