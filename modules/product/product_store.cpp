#include "product_store.hpp"

namespace product {

using cleave::Id;
using cleave::Rows;

Rows ProductStore::find(Id id) const {
  return host_.query_batched(
      "SELECT id, name, price_cents, stock, version, created_at, id AS key FROM products "
      "WHERE id = ANY ($1)",
      {id});
}

Rows ProductStore::list(std::int64_t after, std::int64_t most) const {
  return host_.query(
      "SELECT id, name, price_cents, stock, version, created_at FROM products "
      "WHERE id > $1 ORDER BY id LIMIT $2",
      {after, most});
}

Rows ProductStore::first_page(std::int64_t most) const {
  return host_.query(
      "SELECT p.id, p.name, p.price_cents, p.stock, p.version, p.created_at, l.version "
      "FROM product_list_version l LEFT JOIN "
      "(SELECT * FROM products ORDER BY id LIMIT $1) p ON true ORDER BY p.id",
      {most});
}

Rows ProductStore::insert(const Product& product) const {
  return host_.query(
      "WITH list AS (UPDATE product_list_version SET version = version + 1 RETURNING version), "
      "changed AS (INSERT INTO products (name, price_cents, stock) VALUES ($1, $2, $3) "
      "RETURNING id, name, price_cents, stock, version, created_at), "
      "told AS (INSERT INTO product_outbox (product_id, version) SELECT id, version FROM changed) "
      "SELECT changed.*, list.version FROM changed, list",
      {product.name, product.price_cents, product.stock});
}

// Both lock the list before the product (the join comes before the write), as every writer does:
// statements that share a transaction cannot deadlock over the two.
Rows ProductStore::update(Id id, const Product& product, const cleave::Versions& versions) const {
  return host_.query(
      "WITH list AS (UPDATE product_list_version SET version = version + 1 RETURNING version), "
      "changed AS (UPDATE products p "
      "SET name = $2, price_cents = $3, stock = $4, version = p.version + 1 "
      "FROM list WHERE id = $1 AND ($5::bigint[] IS NULL OR p.version = ANY ($5)) "
      "RETURNING id, name, price_cents, stock, p.version, created_at, list.version AS list), "
      "told AS (INSERT INTO product_outbox (product_id, version) SELECT id, version FROM changed) "
      "SELECT * FROM changed",
      {id, product.name, product.price_cents, product.stock, versions});
}

Rows ProductStore::remove(Id id, const cleave::Versions& versions) const {
  return host_.query(
      "WITH list AS (UPDATE product_list_version SET version = version + 1 RETURNING version), "
      "changed AS (DELETE FROM products p USING list "
      "WHERE id = $1 AND ($2::bigint[] IS NULL OR p.version = ANY ($2)) "
      "RETURNING id, name, price_cents, stock, p.version, created_at, list.version AS list), "
      "told AS (INSERT INTO product_outbox (product_id, version) "
      "SELECT id, version + 1 FROM changed) "
      "SELECT * FROM changed",
      {id, versions});
}

Rows ProductStore::untold(std::int64_t most) const {
  return host_.query(
      "SELECT p.id, p.name, p.price_cents, p.stock, coalesce(p.version, o.version), p.created_at, "
      "l.version, o.id, o.product_id "
      "FROM (SELECT * FROM product_outbox ORDER BY id LIMIT $1) o "
      "CROSS JOIN product_list_version l LEFT JOIN products p ON p.id = o.product_id ORDER BY o.id",
      {most});
}

void ProductStore::told(const std::string& outbox_ids) const {
  host_.query("DELETE FROM product_outbox WHERE id = ANY ($1::bigint[])", {outbox_ids});
}

}  // namespace product
