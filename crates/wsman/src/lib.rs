//! WS-Management and MS-WSMV messages, both directions.
