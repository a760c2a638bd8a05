// JSON in and out, for services: a strict reader of one flat object and an appending writer.
//
// The reader sits on nlohmann_json's SAX interface and adds what RFC 8259 leaves to the
// application and a public API must decide: duplicate keys, unknown members, depth, integers that
// are really integers, text without control characters. The writer is ours, not nlohmann's: it
// renders 100 rows in a tenth of the time (docs/decisions/0004-json-writer.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"

namespace cleave {

/// The members of a JSON object, taken one by one. Each taker throws 422 at "/name": "required",
/// "wrong-type", "out-of-range", "too-short", "too-long", "forbidden-character".
class JsonObject {
 public:
  /// Parses the body of a request. 415 unless it is application/json (with Accept-Post), 400 for
  /// what is no JSON, 400 for duplicate keys, too deep (32) or too many members (1,000); 422 when
  /// the root is no object.
  explicit JsonObject(const Request& request);
  /// The same for a text of any origin, such as a peer's answer, whatever its type.
  explicit JsonObject(std::string_view text);

  /// Text of `low` to `high` code points, valid UTF-8, without C0 controls and NUL.
  std::string text(std::string_view name, std::size_t low, std::size_t high);
  /// An integer token (1.0, 1e3, "1" and true are none) in [low, high].
  std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high);
  /// The same, but absent or null gives nullopt.
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t low,
                                               std::int64_t high);
  /// 422 "unknown-field" for the members that nobody took.
  void done() const;

 private:
  enum class Kind { kNull, kInteger, kText, kOther, kTooLarge };
  struct Member {
    std::string name;
    Kind kind;
    std::string text;
    std::int64_t number;
    bool used;
  };
  friend class JsonSax;
  Member* find(std::string_view name);
  std::vector<Member> members_;
};

/// Appends JSON to a string; puts the commas itself. Keys are trusted, values are escaped;
/// invalid UTF-8 in a value becomes U+FFFD.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  /// A number that is already text, as PostgreSQL prints it; data() == nullptr writes null.
  JsonWriter& number(std::string_view digits);
  JsonWriter& boolean(bool value);
  /// A timestamptz as PostgreSQL prints it ("2026-01-31 12:00:00.5+00"), as RFC 3339.
  JsonWriter& timestamp(std::string_view postgres);
  JsonWriter& null();

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void comma();
  std::string& out_;
  bool first_ = true;
};

/// 200-style answer with Content-Type: application/json.
Response json_response(int status, std::string body);

}  // namespace cleave
