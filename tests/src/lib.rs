//! What the exchange promises, checked from outside: scenarios, the command line and the shape of the workspace.
