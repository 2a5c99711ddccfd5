/* {{description}}. */
#define OUTCRY_VALIDATION
#include "outcry_rules.h"

enum { TOO_MANY = 1 };

static uint64_t max_quantity;

/* The parameters, in the order of plugin.toml. */
uint32_t outcry_configure(const int64_t *words, size_t count) {
  if (count != 1 || words[0] < 0) return OUTCRY_WRONG_PARAMETERS;
  max_quantity = (uint64_t)words[0];
  return 0;
}

uint32_t outcry_check(const outcry_order *order) {
  return order->total_quantity > max_quantity ? TOO_MANY : 0;
}

const char *outcry_explain(uint32_t code) {
  return code == TOO_MANY ? "the order has too many lots" : "the rule has no words for this code";
}
