//! What the program says, word for word: the cases are in `tests/cli/` at the root of the repository.

#[test]
fn the_program_says_what_it_should() {
    trycmd::TestCases::new().case("../../tests/cli/*.trycmd");
}
