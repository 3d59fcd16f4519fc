"""An order desk."""
