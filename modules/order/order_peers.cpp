#include "order_peers.hpp"

#include <string>

#include "cleave/json.hpp"

namespace order {
namespace {

using cleave::Problem;
using cleave::Response;

/// True: exists. False: does not. Anything else is no answer to the question.
bool exists(const Response& answer) {
  if (answer.status == 200) return true;
  if (answer.status == 404) return false;
  throw Problem(503, "peer-unavailable", "Another service could not be asked; nothing was stored.")
      .retry_after(1);
}

Problem unknown(const char* slug) {
  return {422, slug, "The order names something that does not exist."};
}

/// A number of the row that a peer gave. A peer is another program, perhaps of another version:
/// what it says is checked.
std::int64_t number_in(const Response& answer, std::int64_t id, std::string_view member) {
  try {
    cleave::JsonObject row(answer.body);
    if (row.integer("id", 1, INT64_MAX) == id) return row.integer(member, 0, INT64_MAX);
  } catch (const Problem&) {
    // It is not the client's mistake.
  }
  throw Problem(502, "bad-peer-answer", "Another service gave an answer that makes no sense.");
}

}  // namespace

std::int64_t OrderPeers::price_for(const OrderRequest& request) const {
  const std::string user_path = "/users/" + std::to_string(request.user_id);
  const std::string product_path = "/products/" + std::to_string(request.product_id);
  Response user, product;
  host_.gather({
      [&] { user = host_.call("user", {.method = "GET", .path = user_path}); },
      // The price is kept in the order, so it must not come from a cache.
      [&] {
        product =
            host_.call("product", {.method = "GET", .path = product_path, .query = "fresh=1"});
      },
  });
  const bool user_exists = exists(user);
  const bool product_exists = exists(product);
  if (user_exists && product_exists) {
    number_in(user, request.user_id, "id");
    return number_in(product, request.product_id, "price_cents");
  }
  if (user_exists) throw unknown("unknown-product").at("/product_id", "unknown");
  if (product_exists) throw unknown("unknown-user").at("/user_id", "unknown");
  throw unknown("unknown-user").at("/user_id", "unknown").at("/product_id", "unknown");
}

}  // namespace order
