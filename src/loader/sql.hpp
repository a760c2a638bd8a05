// Which tables a piece of SQL makes and which it names. No parser of SQL: a reader of its tokens
// that knows where a table's name can stand. What it overlooks the database's roles still refuse.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace cleave::loader {

struct Tables {
  std::set<std::string> made;   // CREATE TABLE or VIEW, RENAME TO
  std::set<std::string> named;  // FROM, JOIN, INTO, UPDATE, REFERENCES, ALTER TABLE … them too
};

/// Reads statements; adds to `tables`. Not tables, and left out: names of WITH queries, functions
/// (a name before a parenthesis), pg_catalog and information_schema.
void read_sql(std::string_view sql, Tables& tables);

/// Whether a literal of a program looks like SQL, or like a piece of a statement.
bool looks_like_sql(std::string_view literal);

}  // namespace cleave::loader
