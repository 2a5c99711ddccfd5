/* cc -I ../../crates/plugin-sdk/c -o rule tests/rule.c && ./rule */
#undef NDEBUG
#include <assert.h>

#include "../src/rule.c"

static uint32_t judge(uint64_t total_quantity) {
  outcry_order order = {.total_quantity = total_quantity, .quantity = 1};
  return outcry_check(&order);
}

int main(void) {
  int64_t strict[] = {100, 0}, mixed[] = {100, 1}, none[] = {0, 0}, other[] = {100, 2};

  assert(outcry_configure(strict, 2) == 0);
  assert(judge(100) == 0 && judge(300) == 0);
  assert(judge(99) == ODD && judge(1) == ODD);
  assert(judge(101) == MIXED && judge(250) == MIXED);

  assert(outcry_configure(mixed, 2) == 0);
  assert(judge(250) == 0 && judge(99) == ODD);

  assert(outcry_configure(strict, 1) == OUTCRY_WRONG_PARAMETERS);
  assert(outcry_configure(none, 2) == NO_ROUND_LOT);
  assert(outcry_configure(other, 2) == NO_SWITCH);

  for (uint32_t code = 0; code < 200; code++) assert(outcry_explain(code)[0] != 0);
  return 0;
}
