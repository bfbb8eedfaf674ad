"""The write doors of mail at rest, one module for each noun or verb."""
