#include "order_routes.hpp"

#include <string>

namespace order {
namespace {

using cleave::Id;
using cleave::Problem;
using cleave::Request;
using cleave::Response;
using cleave::Rows;

void append(cleave::JsonWriter& json, const Rows& rows, std::size_t row) {
  json.begin_object();
  json.key("id").number(rows.text(row, OrderStore::kId));
  json.key("user_id").number(rows.text(row, OrderStore::kUserId));
  json.key("product_id").number(rows.text(row, OrderStore::kProductId));
  json.key("quantity").number(rows.text(row, OrderStore::kQuantity));
  json.key("unit_price_cents").number(rows.text(row, OrderStore::kUnitPrice));
  json.key("total_cents").number(rows.text(row, OrderStore::kTotal));
  json.key("version").number(rows.text(row, OrderStore::kVersion));
  json.key("created_at").timestamp(rows.text(row, OrderStore::kCreatedAt));
  json.end_object();
}

/// 200 or 201 with the first row and its ETag.
Response one(int status, const Rows& rows) {
  std::string body;
  cleave::JsonWriter json(body);
  append(json, rows, 0);
  Response response = cleave::json_response(status, std::move(body));
  response.set("ETag", cleave::etag(rows.text(0, OrderStore::kVersion)));
  return response;
}

Problem no_such_order() {
  return {404, "not-found", "There is no such order."};
}

}  // namespace

OrderRoutes::OrderRoutes(OrderStore store, OrderService service)
    : store_(store), service_(service) {
  routes_.add("GET", "/orders", [this](const Request& r) { return list(r); });
  routes_.add("POST", "/orders", [this](const Request& r) { return create(r); });
  routes_.add("GET", "/orders/{id}", [this](const Request& r, Id id) { return read(r, id); });
  routes_.add("DELETE", "/orders/{id}", [this](const Request& r, Id id) { return remove(r, id); });
}

Response OrderRoutes::list(const Request& request) const {
  cleave::QueryString query(request.query);
  const cleave::Page page = cleave::Page::from(query);
  const OrderStore::Filter filter{.user_id = query.integer("user_id", 1, INT64_MAX),
                                  .product_id = query.integer("product_id", 1, INT64_MAX)};
  query.done();
  std::string filters;
  if (filter.user_id) filters = "user_id=" + std::to_string(*filter.user_id);
  if (filter.product_id) {
    filters += (filters.empty() ? "" : "&") + ("product_id=" + std::to_string(*filter.product_id));
  }
  const Rows rows = store_.list(filter, page.after, page.limit + 1);
  return cleave::page_response("/orders", page, rows, filters, append);
}

Response OrderRoutes::read(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const Rows rows = store_.find(id);
  if (rows.empty()) throw no_such_order();
  const std::string tag = cleave::etag(rows.text(0, OrderStore::kVersion));
  if (cleave::not_modified(request, tag)) return Response{.status = 304}.set("ETag", tag);
  return one(200, rows);
}

Response OrderRoutes::create(const Request& request) const {
  cleave::QueryString(request.query).done();
  const std::optional<std::string> key = idempotency_key(request);
  const OrderRequest wanted = from_json(cleave::JsonObject(request));
  const OrderService::Placed placed = service_.place(wanted, key);
  Response response = one(201, placed.rows);
  response.set("Location", "/orders/" + std::string(placed.rows.text(0, OrderStore::kId)));
  if (placed.replayed) response.set("Idempotent-Replayed", "true");
  return response;
}

Response OrderRoutes::remove(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const Rows removed = store_.remove(id, cleave::if_match(request));
  if (!removed.empty()) return {.status = 204};
  if (store_.find(id).empty()) throw no_such_order();
  throw Problem(412, "precondition-failed", "The order has been changed since.");
}

}  // namespace order
