#include "cli/seed_plan.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using cleave::cli::SeedPlan;

TEST_CASE("a plan makes the same rows from the same seed number, others from another") {
  const SeedPlan plan = SeedPlan::parse(
      "table orders  # made up\n"
      "user_id = ref users\n"
      "quantity = int 2 5\n"
      "price = int 10 10\n"
      "total = times quantity price\n"
      "colour = pick red | dark blue\n"
      "label = text Order {n} of {n}\\\n",
      "seed.txt");
  CHECK(plan.table() == "orders");
  CHECK(plan.columns().size() == 6);
  CHECK(plan.references() == std::vector<std::string>{"users"});
  std::string first, again, other;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    plan.append(first, n, 1, {{"users", 7}});
    plan.append(again, n, 1, {{"users", 7}});
    plan.append(other, n, 2, {{"users", 7}});
  }
  CHECK(first == again);
  CHECK(first != other);
  CHECK(first.find("Order 12 of 12\\\\\n") != std::string::npos);  // COPY's own escape
  CHECK(first.find("dark blue") != std::string::npos);
}

TEST_CASE("values stay in their range and products are products") {
  const SeedPlan plan =
      SeedPlan::parse("table t\na = int -3 3\nb = ref u\nc = times a b\n", "seed.txt");
  bool low = false, high = false;
  for (std::uint64_t n = 1; n <= 500; ++n) {
    std::string row;
    plan.append(row, n, 9, {{"u", 4}});
    long long a = 0, b = 0, c = 0;
    REQUIRE(sscanf(row.c_str(), "%lld\t%lld\t%lld\n", &a, &b, &c) == 3);
    REQUIRE(a >= -3);
    REQUIRE(a <= 3);
    REQUIRE(b >= 1);
    REQUIRE(b <= 4);
    REQUIRE(c == a * b);
    low |= a == -3;
    high |= a == 3;
  }
  CHECK(low);
  CHECK(high);
}

TEST_CASE("a mistake in a plan is named with file and line") {
  for (const char* bad :
       {"columns first\n", "table t\nname text\n", "table t\nx = int 5 1\n",
        "table t\nx = int a b\n", "table t\nx = times y z\n", "table t\nx = magic\n"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(SeedPlan::parse(bad, "seed.txt"), std::runtime_error);
  }
  for (const char* bad :
       {"table t\na = int 1 2\nraises list\n", "table t\na = int 1 2\nraises = UPDATE l\n",
        "table t\na = int 1 2\nraises list =\n"}) {
    CHECK_THROWS_WITH(SeedPlan::parse(bad, "seed.txt"),
                      "seed.txt:3: a list is raises KEY = STATEMENT");
  }
  CHECK_THROWS_WITH(SeedPlan::parse("table t\n", "seed.txt"), "seed.txt: describes no column");
}
