//! order-book
