"""What people type to find mail: pure text in, a bounded tree and remarks out."""
