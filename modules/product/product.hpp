// A product, and the rules that one obeys. No SQL, no HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cleave/json.hpp"

namespace product {

struct Product {
  std::string name;
  std::int64_t price_cents;           // money is whole cents, never a fraction
  std::optional<std::int64_t> stock;  // absent: not tracked
};

/// Takes a product out of a request's JSON; throws a Problem that names the offending member.
inline Product from_json(cleave::JsonObject object) {
  Product product{.name = object.text("name", 1, 255),
                  .price_cents = object.integer("price_cents", 0, 1'000'000'000'000),
                  .stock = object.optional_integer("stock", 0, 1'000'000'000)};
  object.done();
  return product;
}

}  // namespace product
