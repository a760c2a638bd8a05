#include "cli/seed_plan.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace cleave::cli {
namespace {

/// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string trim(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::int64_t to_number(const std::string& word) {
  std::size_t used = 0;
  const std::int64_t value = std::stoll(word, &used);
  if (used != word.size()) throw std::invalid_argument(word);
  return value;
}

/// COPY's text format gives a meaning to these (PostgreSQL manual, COPY, "Text Format").
void append_escaped(std::string& out, const std::string& text) {
  for (const char c : text) {
    if (c == '\\' || c == '\t' || c == '\n' || c == '\r') out += '\\';
    out += c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
  }
}

std::string fill(const std::string& form, std::uint64_t n) {
  std::string text = form;
  const std::string number = std::to_string(n);
  for (std::size_t at = 0; (at = text.find("{n}", at)) != std::string::npos; at += number.size()) {
    text.replace(at, 3, number);
  }
  return text;
}

}  // namespace

SeedPlan SeedPlan::read(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return parse({std::istreambuf_iterator<char>(in), {}}, file.string());
}

SeedPlan SeedPlan::parse(const std::string& text, const std::string& name) {
  SeedPlan plan;
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    try {
      if (plan.table_.empty()) {
        if (!line.starts_with("table ")) throw std::invalid_argument("begins with `table NAME`");
        plan.table_ = trim(line.substr(6));
      } else if (line.starts_with("raises ")) {
        plan.list_ = parse_list(line.substr(7));
      } else {
        plan.columns_.push_back(plan.parse_column(line));
      }
    } catch (const std::logic_error& error) {
      throw std::runtime_error(name + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (plan.columns_.empty()) throw std::runtime_error(name + ": describes no column");
  return plan;
}

SeedPlan::List SeedPlan::parse_list(const std::string& line) {
  const std::size_t equals = line.find('=');
  List list;
  if (equals != std::string::npos) {
    list = {trim(line.substr(0, equals)), trim(line.substr(equals + 1))};
  }
  if (list.key.empty() || list.raise.empty()) {
    throw std::invalid_argument("a list is raises KEY = STATEMENT");
  }
  return list;
}

SeedPlan::Column SeedPlan::parse_column(const std::string& line) const {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos) throw std::invalid_argument("a column is NAME = KIND …");
  Column column;
  column.name = trim(line.substr(0, equals));
  const std::string rule = trim(line.substr(equals + 1));
  const std::string kind = rule.substr(0, rule.find(' '));
  const std::string rest = trim(rule.substr(kind.size()));
  std::istringstream words(rest);
  std::string a, b;
  if (kind == "text") {
    column.kind = Kind::kText;
    column.text = rest;
  } else if (kind == "pick") {
    column.kind = Kind::kPick;
    for (std::string word; std::getline(words, word, '|');) column.words.push_back(trim(word));
    if (column.words.empty()) throw std::invalid_argument("pick A | B | …");
  } else if (kind == "int" && words >> a >> b) {
    column.kind = Kind::kInt;
    column.low = to_number(a);
    column.high = to_number(b);
    if (column.low > column.high) throw std::invalid_argument("int LOW HIGH");
  } else if (kind == "ref" && words >> a) {
    column.kind = Kind::kRef;
    column.text = a;
  } else if (kind == "times" && words >> a >> b) {
    column.kind = Kind::kTimes;
    column.left = column_index(a);
    column.right = column_index(b);
  } else {
    throw std::invalid_argument("a rule is text, pick, int LOW HIGH, ref TABLE or times A B");
  }
  return column;
}

std::size_t SeedPlan::column_index(const std::string& name) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return i;
  }
  throw std::invalid_argument("times names no earlier column: " + name);
}

std::vector<std::string> SeedPlan::columns() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  return names;
}

std::vector<std::string> SeedPlan::references() const {
  std::vector<std::string> tables;
  for (const Column& column : columns_) {
    if (column.kind == Kind::kRef) tables.push_back(column.text);
  }
  return tables;
}

void SeedPlan::append(std::string& out, std::uint64_t n, std::uint64_t seed,
                      const std::map<std::string, std::uint64_t>& rows) const {
  std::vector<std::int64_t> numbers(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const std::uint64_t random = mix(mix(mix(seed) ^ n) ^ i);
    if (i > 0) out += '\t';
    switch (column.kind) {
      case Kind::kText:
        append_escaped(out, fill(column.text, n));
        continue;
      case Kind::kPick:
        append_escaped(out, column.words[random % column.words.size()]);
        continue;
      case Kind::kInt: {
        const auto span = static_cast<std::uint64_t>(column.high - column.low) + 1;
        numbers[i] = column.low + static_cast<std::int64_t>(random % span);
        break;
      }
      case Kind::kRef:
        numbers[i] = static_cast<std::int64_t>(random % rows.at(column.text)) + 1;
        break;
      case Kind::kTimes:
        numbers[i] = numbers[column.left] * numbers[column.right];
        break;
    }
    out += std::to_string(numbers[i]);
  }
  out += '\n';
}

}  // namespace cleave::cli
