#include "product_routes.hpp"

#include <string>

namespace product {
namespace {

using cleave::Cached;
using cleave::Id;
using cleave::Problem;
using cleave::Request;
using cleave::Response;
using cleave::Rows;

Problem no_such_product() {
  return {404, "not-found", "There is no such product."};
}

/// A write that met no row: the product does not exist, or exists in another version.
Problem missing_or_changed(const ProductStore& store, Id id) {
  if (store.find(id).empty()) return no_such_product();
  return {412, "precondition-failed", "The product has been changed since."};
}

Response one(int status, std::string body, std::string_view version) {
  Response response = cleave::json_response(status, std::move(body));
  response.set("ETag", cleave::etag(version));
  return response;
}

}  // namespace

ProductRoutes::ProductRoutes(ProductStore store, ProductCache cache)
    : store_(store), cache_(cache) {
  routes_.add("GET", "/products", [this](const Request& r) { return list(r); });
  routes_.add("POST", "/products", [this](const Request& r) { return create(r); });
  routes_.add("GET", "/products/{id}", [this](const Request& r, Id id) { return read(r, id); });
  routes_.add("PUT", "/products/{id}", [this](const Request& r, Id id) { return replace(r, id); });
  routes_.add("DELETE", "/products/{id}",
              [this](const Request& r, Id id) { return remove(r, id); });
}

Response ProductRoutes::list(const Request& request) const {
  cleave::QueryString query(request.query);
  const cleave::Page page = cleave::Page::from(query);
  query.done();
  if (page.after != 0 || page.limit != cleave::Page{}.limit) {  // only the first page is cached
    Response response = cleave::page_response("/products", page,
                                              store_.list(page.after, page.limit + 1), "", append);
    response.set("X-Cache", "off");
    return response;
  }
  Cached cached = cache_.first_page();
  std::string& body = cached.entry.body;
  const std::string next = body.substr(0, body.find('\n'));
  body.erase(0, next.size() + 1);
  Response response = cleave::json_response(200, std::move(body));
  response.set("X-Cache", cached.state);
  if (!next.empty()) {
    const std::string limit = std::to_string(page.limit);
    response.set("Link", "</products?limit=" + limit + "&after=" + next + ">; rel=\"next\"");
  }
  return response;
}

Response ProductRoutes::read(const Request& request, Id id) const {
  cleave::QueryString query(request.query);
  const bool fresh = query.integer("fresh", 0, 1).value_or(0) == 1;  // for prices that will be kept
  query.done();
  Cached cached{.entry = {.kind = CLEAVE_GONE}, .state = "off"};
  if (!fresh) {
    cached = cache_.find(id);
  } else if (const Rows rows = store_.find(id); !rows.empty()) {
    cached.entry = {.version = rows.integer(0, ProductStore::kVersion), .body = to_json(rows, 0)};
  }
  if (cached.entry.kind == CLEAVE_GONE) throw no_such_product().with("X-Cache", cached.state);
  const std::string tag = cleave::etag(std::to_string(cached.entry.version));
  Response response;
  if (cleave::not_modified(request, tag)) {
    response.status = 304;
  } else {
    response = cleave::json_response(200, std::move(cached.entry.body));
  }
  response.set("ETag", tag).set("X-Cache", cached.state);
  return response;
}

Response ProductRoutes::create(const Request& request) const {
  cleave::QueryString(request.query).done();
  const Product product = from_json(cleave::JsonObject(request));
  const Rows rows = store_.insert(product);
  cache_.written(rows);
  Response response = one(201, to_json(rows, 0), rows.text(0, ProductStore::kVersion));
  response.set("Location", "/products/" + std::string(rows.text(0, ProductStore::kId)));
  return response;
}

Response ProductRoutes::replace(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const Product product = from_json(cleave::JsonObject(request));
  const Rows rows = store_.update(id, product, cleave::if_match(request));
  if (rows.empty()) throw missing_or_changed(store_, id);
  cache_.written(rows);
  return one(200, to_json(rows, 0), rows.text(0, ProductStore::kVersion));
}

Response ProductRoutes::remove(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const Rows rows = store_.remove(id, cleave::if_match(request));
  if (rows.empty()) throw missing_or_changed(store_, id);
  cache_.removed(rows);
  return {.status = 204};
}

}  // namespace product
