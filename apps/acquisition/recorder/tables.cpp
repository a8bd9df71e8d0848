#include "acquisition/recorder/tables.hpp"

namespace daq::recorder {

mth5::TableSpec gap_table() {
  using C = mth5::Column;
  return {"gaps",
          {{"source", C::Type::Int64, 0, ""},
           {"station", C::Type::Text, 30, ""},
           {"start", C::Type::Int64, 0, "nanoseconds since 1970-01-01 UTC"},
           {"samples", C::Type::Int64, 0, "samples"},
           {"reason", C::Type::Text, 20, ""},
           {"run_before", C::Type::Text, 20, ""},
           {"run_after", C::Type::Text, 20, ""},
           {"filled", C::Type::Int64, 0, ""}},
          "samples that are missing: where, how many, why",
          64};
}

mth5::TableSpec source_table() {
  using C = mth5::Column;
  return {"sources",
          {{"source", C::Type::Int64, 0, ""},
           {"name", C::Type::Text, 32, ""},
           {"instrument", C::Type::Text, 32, ""},
           {"station", C::Type::Text, 30, ""},
           {"input", C::Type::Text, 128, ""}},
          "where the samples come from; the index of the other tables",
          16};
}

mth5::TableSpec soh_table(const config::Source& source) {
  mth5::TableSpec spec{"state_of_health/" + source.name, {}, "what the instrument says of itself, one row per record", 512};
  spec.columns.push_back({"time", mth5::Column::Type::Int64, 0, "nanoseconds since 1970-01-01 UTC"});
  for (const auto& quantity : source.instrument.soh)
    spec.columns.push_back({quantity.name, mth5::Column::Type::Float64, 0, quantity.units});
  return spec;
}

}  // namespace daq::recorder
