-- What the cache has still to hear of. A change writes its row in the same statement; the relay
-- (modules/product/product_relay.hpp) tells the cache and takes the row away. So a host that dies
-- between its commit and the cache leaves nothing behind that stays stale.
CREATE TABLE product_outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id bigint NOT NULL,
  version    bigint NOT NULL  -- of the product; of a deleted one, the version after its last
);

GRANT SELECT, INSERT, DELETE ON product_outbox TO :"runtime";
