/* cc -I sdk -o dist/test tests/rule.c && dist/test */
#undef NDEBUG
#include <assert.h>

#include "../src/rule.c"

static uint64_t judge(uint64_t quantity, int64_t position, uint64_t open_buy) {
  outcry_order order = {.quantity = quantity};
  outcry_context context = {.position = position, .open_buy = open_buy};
  return outcry_check(&order, &context);
}

int main(void) {
  int64_t words[] = {100};
  assert(outcry_configure(words, 1) == 0);
  assert(judge(30, 50, 20) == 0);
  assert(judge(31, 50, 20) == TOO_LONG);
  assert(judge(1, 200, 0) == TOO_LONG);
  assert(judge(UINT64_MAX, 0, UINT64_MAX) == TOO_LONG);
  outcry_order sell = {.flags = OUTCRY_SELL, .quantity = 1000};
  outcry_context none = {0};
  assert(outcry_check(&sell, &none) == 0);
  assert(outcry_configure(words, 0) == OUTCRY_WRONG_PARAMETERS);
  assert(outcry_explain(TOO_LONG)[0] != 0);
  return 0;
}
