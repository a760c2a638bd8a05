#include "loader/sql.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "loader/sql_tokens.hpp"

namespace cleave::loader {
namespace {

/// Words that end a table's place in a list: what follows a table is its alias unless it is one.
constexpr std::array<std::string_view, 26> kClauses = {
    "as",     "where",     "join",      "left",  "right",  "inner",  "outer",   "full",   "cross",
    "on",     "using",     "set",       "group", "order",  "having", "limit",   "offset", "union",
    "except", "intersect", "returning", "for",   "values", "select", "natural", "default"};

bool is_clause(const Token& token) {
  return std::any_of(kClauses.begin(), kClauses.end(),
                     [&](std::string_view word) { return token.is(word); });
}

/// One statement's tokens, from its first word to its semicolon.
class Statement {
 public:
  Statement(const Token* first, const Token* last, Tables& tables)
      : tokens_(first, last), tables_(tables) {}

  void read() {
    find_with_names();
    for (at_ = 0; at_ < tokens_.size(); ++at_) step();
    for (const std::string& name : with_) named_.erase(name);
    tables_.named.insert(named_.begin(), named_.end());
  }

 private:
  const Token& peek(std::size_t ahead) const {
    static const Token kEnd{Token::kMark, ""};
    const std::size_t index = at_ + ahead;
    return index < tokens_.size() ? tokens_[index] : kEnd;
  }
  bool before(std::string_view word) const { return at_ > 0 && tokens_[at_ - 1].is(word); }
  bool begins(std::string_view word) const { return !tokens_.empty() && tokens_[0].is(word); }

  /// name [(columns)] AS [NOT] [MATERIALIZED] (
  void find_with_names() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      if (!peek(0).name()) continue;
      std::size_t next = 1;
      if (peek(next).is("(")) {
        while (at_ + next < tokens_.size() && !peek(next).is(")")) ++next;
        ++next;
      }
      if (!peek(next).is("as")) continue;
      ++next;
      while (peek(next).is("not") || peek(next).is("materialized")) ++next;
      if (peek(next).is("(")) with_.insert(peek(0).text);
    }
  }

  void step() {
    const Token& token = peek(0);
    if (token.is("(")) {
      // EXTRACT(… FROM …), SUBSTRING and their like: the FROM inside names no table.
      const bool call = before("extract") || before("substring") || before("trim") ||
                        before("overlay") || before("position");
      calls_.push_back(call);
    } else if (token.is(")")) {
      if (!calls_.empty()) calls_.pop_back();
    } else if (token.is("from")) {
      const bool inside_call = !calls_.empty() && calls_.back();
      if (!inside_call && !before("distinct") && !begins("revoke")) list(1);
    } else if (token.is("join") || token.is("references")) {
      table(1);
    } else if (token.is("into")) {
      if (before("insert") || before("merge")) table(1);
    } else if (token.is("update")) {
      update();
    } else if (token.is("using") && (begins("delete") || begins("with") || begins("merge"))) {
      list(1);
    } else if (token.is("table") || token.is("view")) {
      make_or_alter();
    } else if (token.is("truncate") && !peek(1).is("table")) {
      list(1);
    } else if (token.is("index")) {
      index();
    } else if (token.is("to") && before("rename") && begins("alter")) {
      tables_.made.insert(peek(1).text);
    }
  }

  // Also a word of FOR UPDATE, ON UPDATE, DO UPDATE SET, GRANT UPDATE ON, BEFORE UPDATE OR.
  void update() {
    if (before("for") || before("key") || before("on") || before("do") || before("before") ||
        before("after") || before("or") || begins("grant") || begins("revoke")) {
      return;
    }
    table(1);
  }

  void make_or_alter() {
    std::size_t next = 1;
    while (peek(next).is("if") || peek(next).is("not") || peek(next).is("exists")) ++next;
    if (begins("create")) {
      if (peek(next).name()) tables_.made.insert(name_at(next));
    } else if (begins("alter") || begins("drop") || begins("lock") || begins("truncate") ||
               begins("comment")) {
      list(next);
    }
  }

  void index() {
    if (!begins("create")) return;
    for (std::size_t next = 1; at_ + next < tokens_.size(); ++next) {
      if (peek(next).is("on")) return table(next + 1), void();
    }
  }

  /// a [AS] x, b y, f(…) z, (SELECT …): each table of a list. Only reads ahead.
  void list(std::size_t next) {
    while (true) {
      next = table(next);
      if (next == 0) return;
      if (peek(next).is("as")) ++next;
      if (peek(next).name() && !is_clause(peek(next))) ++next;
      if (peek(next).is("(")) next = after_parentheses(next);  // the alias' columns
      if (!peek(next).is(",")) return;
      ++next;
    }
  }

  /// Notes the table whose name stands `next` ahead; returns what follows it, 0 when none is there.
  std::size_t table(std::size_t next) {
    while (peek(next).is("only") || peek(next).is("lateral") || peek(next).is("if") ||
           peek(next).is("exists")) {
      ++next;
    }
    if (peek(next).is("(")) return after_parentheses(next);  // its inside is read in its own turn
    if (!peek(next).name() || is_clause(peek(next))) return 0;
    const std::string name = name_at(next);
    next += peek(next + 1).is(".") ? 3 : 1;
    // In `INSERT INTO t (…)` and `REFERENCES t (…)` it is a list of columns, elsewhere a call.
    const bool columns = peek(0).is("into") || peek(0).is("references") || peek(0).is("index");
    if (peek(next).is("(") && !columns) return after_parentheses(next);
    if (!name.empty()) named_.insert(name);
    return next;
  }

  std::size_t after_parentheses(std::size_t next) const {
    std::size_t depth = 0;
    while (at_ + next < tokens_.size()) {
      if (peek(next).is("(")) ++depth;
      if (peek(next).is(")") && --depth == 0) return next + 1;
      ++next;
    }
    return next;
  }

  /// Without "public."; empty for the catalogs; another schema stays in the name.
  std::string name_at(std::size_t next) const {
    const std::string& first = peek(next).text;
    if (!peek(next + 1).is(".")) return first.starts_with("pg_") ? "" : first;
    const std::string& second = peek(next + 2).text;
    if (first == "public") return second;
    if (first == "pg_catalog" || first == "information_schema") return "";
    return first + "." + second;
  }

  std::vector<Token> tokens_;
  Tables& tables_;
  std::set<std::string> with_, named_;
  std::vector<bool> calls_;
  std::size_t at_ = 0;
};

}  // namespace

void read_sql(std::string_view sql, Tables& tables) {
  const std::vector<Token> tokens = tokenise(sql);
  const Token* const end = tokens.data() + tokens.size();
  for (const Token* first = tokens.data(); first < end;) {
    const Token* const last =
        std::find_if(first, end, [](const Token& token) { return token.is(";"); });
    Statement(first, last, tables).read();
    first = last == end ? end : last + 1;
  }
}

bool looks_like_sql(std::string_view literal) {
  const std::size_t start = literal.find_first_not_of(" \n\t(");
  if (start == std::string_view::npos) return false;
  literal.remove_prefix(start);
  // Written large it is SQL wherever it stands; written small only as the start of a statement,
  // or a sentence such as "copied from the cache" would be read as one.
  for (const std::string_view word : {"SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "FROM ",
                                      "JOIN ", "WITH ", "INTO ", "ALTER TABLE ", "TRUNCATE "}) {
    const std::size_t at = literal.find(word);
    if (at == 0 || (at != std::string_view::npos && literal[at - 1] == ' ')) return true;
  }
  return literal.starts_with("select ") || literal.starts_with("insert into ") ||
         literal.starts_with("delete from ") ||
         (literal.starts_with("update ") && literal.find(" set ") != std::string_view::npos) ||
         (literal.starts_with("with ") && literal.find("select ") != std::string_view::npos);
}

}  // namespace cleave::loader
