#include "product_cache.hpp"

#include <algorithm>

namespace product {

using cleave::Cached;
using cleave::Entry;
using cleave::Id;
using cleave::Rows;

void append(cleave::JsonWriter& json, const Rows& rows, std::size_t row) {
  json.begin_object();
  json.key("id").number(rows.text(row, ProductStore::kId));
  json.key("name").text(rows.text(row, ProductStore::kName));
  json.key("price_cents").number(rows.text(row, ProductStore::kPriceCents));
  json.key("stock").number(rows.text(row, ProductStore::kStock));
  json.key("version").number(rows.text(row, ProductStore::kVersion));
  json.key("created_at").timestamp(rows.text(row, ProductStore::kCreatedAt));
  json.end_object();
}

std::string to_json(const Rows& rows, std::size_t row) {
  std::string body;
  cleave::JsonWriter json(body);
  append(json, rows, row);
  return body;
}

Cached ProductCache::find(Id id) const {
  return host_.cached("id:" + std::to_string(id), [&]() -> Entry {
    const Rows rows = store_.find(id);
    // Version 0: any product that is ever inserted under this id is newer.
    if (rows.empty()) return {.version = 0, .kind = CLEAVE_GONE};
    return {.version = rows.integer(0, ProductStore::kVersion), .body = to_json(rows, 0)};
  });
}

Cached ProductCache::first_page() const {
  return host_.cached("list", [&]() -> Entry {
    const auto limit = static_cast<std::size_t>(cleave::Page{}.limit);
    const Rows rows = store_.first_page(cleave::Page{}.limit + 1);
    const std::size_t found = rows.null(0, ProductStore::kId) ? 0 : rows.size();
    const std::size_t count = std::min(found, limit);
    Entry entry{.version = rows.integer(0, ProductStore::kListVersion)};
    if (found > limit) entry.body = rows.text(limit - 1, ProductStore::kId);
    entry.body += '\n';
    cleave::JsonWriter json(entry.body);
    json.begin_array();
    for (std::size_t row = 0; row < count; ++row) append(json, rows, row);
    json.end_array();
    return entry;
  });
}

void ProductCache::written(const Rows& rows) const {
  host_.store("id:" + std::string(rows.text(0, ProductStore::kId)),
              {.version = rows.integer(0, ProductStore::kVersion), .body = to_json(rows, 0)});
  list_changed(rows);
}

void ProductCache::removed(const Rows& rows) const {
  host_.store("id:" + std::string(rows.text(0, ProductStore::kId)),
              {.version = rows.integer(0, ProductStore::kVersion) + 1, .kind = CLEAVE_GONE});
  list_changed(rows);
}

bool ProductCache::tell(const Rows& rows, std::size_t row) const {
  Entry entry{.version = rows.integer(row, ProductStore::kVersion), .kind = CLEAVE_GONE};
  if (!rows.null(row, ProductStore::kId)) entry = {entry.version, CLEAVE_VALUE, to_json(rows, row)};
  return host_.store("id:" + std::string(rows.text(row, ProductStore::kOutboxProduct)), entry);
}

bool ProductCache::list_changed(const Rows& rows) const {
  return host_.store(
      "list", {.version = rows.integer(0, ProductStore::kListVersion), .kind = CLEAVE_FLOOR});
}

}  // namespace product
