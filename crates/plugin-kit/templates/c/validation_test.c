/* cc -I sdk -o dist/test tests/rule.c && dist/test */
#undef NDEBUG
#include <assert.h>

#include "../src/rule.c"

static uint32_t judge(uint64_t total_quantity) {
  outcry_order order = {.total_quantity = total_quantity};
  return outcry_check(&order);
}

int main(void) {
  int64_t words[] = {100};
  assert(outcry_configure(words, 1) == 0);
  assert(judge(100) == 0);
  assert(judge(101) == TOO_MANY);
  assert(outcry_configure(words, 0) == OUTCRY_WRONG_PARAMETERS);
  assert(outcry_explain(TOO_MANY)[0] != 0);
  return 0;
}
