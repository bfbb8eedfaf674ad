"""What tests stand on: private servers, clients and rules that belong to no app."""
